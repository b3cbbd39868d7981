"""`make run`: the whole system on one machine, kept alive by supervisord."""
