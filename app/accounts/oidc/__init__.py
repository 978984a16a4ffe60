"""OpenID Connect: logging in with an identity provider."""
