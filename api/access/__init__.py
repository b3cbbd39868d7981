"""Who comes in: keys, roles, logins, limits, the audit. The door asks them before any route is reached."""
