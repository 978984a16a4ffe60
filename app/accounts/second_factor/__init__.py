"""The second factor: authenticator apps (TOTP) and recovery codes."""
