#!/usr/bin/env bash
# ldap3 2.9.1 refuses a valid distinguished name whose value ends with a space, if it is asked to strip spaces.
#
# A space at the end of a value is escaped in the text of a name: cn=cooks\ ,dc=example (RFC 4514, 2.4). parse_dn(strip=True),
# which people use because `cn=a, dc=b` is written with spaces, takes the escaped space off, too, and then finds the backslash at
# the end. Without `strip`, or with the space written as \20, the same name is read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq "ldap3==2.9.1" "pyasn1==0.6.1"

output=$("$folder/venv/bin/python" - <<'PYTHON'
import ldap3
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

for name in (r"cn=cooks\ ,dc=example", r"cn=cooks\20,dc=example"):
    for strip in (False, True):
        try:
            read = parse_dn(name, strip=strip)[0][1]
        except LDAPInvalidDnError as error:
            read = f"LDAPInvalidDnError: {error}"
        print(f"ldap3 {ldap3.__version__}: {name} strip={strip}: {read!r}")
PYTHON
)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
ldap3 2.9.1: cn=cooks\ ,dc=example strip=False: 'cooks\\ '
ldap3 2.9.1: cn=cooks\ ,dc=example strip=True: 'LDAPInvalidDnError: invalid final character'
ldap3 2.9.1: cn=cooks\20,dc=example strip=False: 'cooks\\20'
ldap3 2.9.1: cn=cooks\20,dc=example strip=True: 'cooks\\20'
EXPECTED
echo "as written here"
