"""Charts: a model of what they show (`model`), drawn as SVG and HTML (`drawing`, `figures`), told in words (`values`)."""

from flask import Flask

from app.charts import figures, texts


def init_app(app: Flask) -> None:
    """Add what the template charts/figure.html needs."""
    app.jinja_env.globals["figure_of"] = figures.figure_of
    app.jinja_env.globals["chart_change"] = figures.change
    app.jinja_env.filters.update(
        cell=figures.shown, sort_key=figures.sort_key, safe_link=texts.safe_url, clean=texts.clean, amount=texts.number
    )
