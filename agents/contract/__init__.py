"""The agents' HTTP contract as types: what we send, what comes back, and the schema the data agent publishes.

The bundled agents import this package and nothing above it.
"""

from agents.contract.requests import DataRequest, ExecutionConfig, NlpRequest, VizRequest
from agents.contract.results import AgentFault, Column, DataResult, Intent, NlpResult, SubQuery, VizResult
from agents.contract.schema import ColumnSchema, DataSchema, ForeignKey, TableSchema

__all__ = [
    "AgentFault",
    "Column",
    "ColumnSchema",
    "DataRequest",
    "DataResult",
    "DataSchema",
    "ExecutionConfig",
    "ForeignKey",
    "Intent",
    "NlpRequest",
    "NlpResult",
    "SubQuery",
    "TableSchema",
    "VizRequest",
    "VizResult",
]
