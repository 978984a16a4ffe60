"""LDAP: logging in with a directory."""
