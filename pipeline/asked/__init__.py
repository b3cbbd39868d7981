"""Plans that somebody wrote, checked before anything is recorded."""
