"""The version of the record and of the messages about it: raised when what older workers would do with them is wrong.

A field or an argument more is no new version: who does not know it leaves it out. This release reads `OLDEST` to
`VERSION`; what is newer it leaves alone. For good hold the record's `version`, `status`, `mode`, `steps`, `created_ms`,
`finished_ms` and `deadline_ms`, the entries of the due set, and a message's arguments (workflow id, step).
"""

from typing import Final

VERSION: Final = 1
OLDEST: Final = 1  # also what a record or a message is that names none
HEADER: Final = "baton_version"  # of a message
