"""The versions of the record and of the messages: raised when what older workers would do with them is wrong.

A field or an argument more is no new version: who does not know it leaves it out. This release reads records from
`OLDEST` to `VERSION`; what is newer it leaves alone. For good hold the record's `version`, `status`, `mode`, `steps`,
`created_ms`, `finished_ms` and `deadline_ms`, the due set's entries, and a message's arguments (workflow id, step).
"""

from typing import Final

VERSION: Final = 1
OLDEST: Final = 1  # also what a record is that names none

MESSAGE_VERSION: Final = 1
MESSAGE_HEADER: Final = "baton_version"  # a message without it is of version 1
