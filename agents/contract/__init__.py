"""The agents' HTTP contract as types: what we send, what comes back, and the schema the data agent publishes.

The bundled agents import this package and nothing above it.
"""

from agents.contract.requests import DataRequest, ExecutionConfig, NlpRequest, VizRequest
from agents.contract.results import (
    AgentFault,
    AgentResult,
    Column,
    DataResult,
    FurtherResult,
    Intent,
    NlpResult,
    SubQuery,
    VizResult,
)
from agents.contract.schema import ColumnSchema, DataSchema, ForeignKey, TableSchema

__all__ = [
    "AgentFault",
    "AgentResult",
    "Column",
    "ColumnSchema",
    "DataRequest",
    "DataResult",
    "DataSchema",
    "ExecutionConfig",
    "ForeignKey",
    "FurtherResult",
    "Intent",
    "NlpRequest",
    "NlpResult",
    "SubQuery",
    "TableSchema",
    "VizRequest",
    "VizResult",
]
