"""Logins against directories as offices have them: `make directory-tests`, as root.

It needs the Debian packages slapd, 389-ds-base, samba-ad-dc with samba-ad-provision, and ldap-utils and ldb-tools; what is
not installed is left out. All run as processes of their own, with files in a temporary folder and on the loopback interface.
"""
