"""Which answers of a server say that it cannot be used; real ones stand in `tests/integration/test_refusals.py`."""

import pytest
import redis

from core.store_fault import StoreFault, fault_of

BEFORE_7 = "Error running script (call to f_6b1b): @user_script:3: @user_script: 3: -"


@pytest.mark.parametrize(("error", "fault"), [
    (redis.ConnectionError("refused"), StoreFault.AWAY),
    (redis.TimeoutError("no answer"), StoreFault.AWAY),
    (redis.exceptions.BusyLoadingError("Valkey is loading the dataset in memory"), StoreFault.AWAY),
    (redis.exceptions.MasterDownError("Link with MASTER is down"), StoreFault.AWAY),
    (redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), StoreFault.FULL),
    (redis.ResponseError(f"{BEFORE_7}OOM command not allowed when used memory > 'maxmemory'."), StoreFault.FULL),
    (redis.ResponseError("MISCONF Valkey is configured to save RDB snapshots"), StoreFault.UNSAVED),
    (redis.ResponseError("Command # 2 (SET a b) of pipeline caused error: MISCONF Errors writing"), StoreFault.UNSAVED),
    (redis.ResponseError(f"{BEFORE_7}MISCONF Errors writing to the AOF file"), StoreFault.UNSAVED),
    (redis.ReadOnlyError("You can't write against a read only replica."), StoreFault.READ_ONLY),
    (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), StoreFault.READ_ONLY),
    (redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), None),
    (redis.ResponseError("unknown command 'OOM '"), None),
    (ValueError("OOM "), None),
    (None, None),
])
def test_an_outage_is_told_from_an_error(error, fault):
    assert fault_of(error) is fault
