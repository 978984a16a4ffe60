"""Views of accounts: `pages` for people, `generated` for administrators.

access   who may see a page: the bases of pages about oneself and of sensitive ones
limits   how often something may be tried
"""
