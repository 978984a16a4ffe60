"""Registration: sign-up, activation by e-mail, invitations of members, and hooks for packages."""
