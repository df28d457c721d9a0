"""Join the stages and the effects: from a study to its report.

The only package that knows both. Each stage that needs a model is two pure functions around one effect:
plan the calls, gather the replies, read them. All numbers are computed from the ledger.
"""

from valuelex.pipeline.asking import models_of
from valuelex.pipeline.finished import is_finished
from valuelex.pipeline.planning import STAGES, check_rated, needed_models, needed_terms, planned_calls
from valuelex.pipeline.run import run
from valuelex.pipeline.status import StageCount, Status, status
from valuelex.pipeline.workspace import Progress, Silent, Workspace, open_study, write_study_file

__all__ = [
    "STAGES",
    "Progress",
    "Silent",
    "StageCount",
    "Status",
    "Workspace",
    "check_rated",
    "is_finished",
    "models_of",
    "needed_models",
    "needed_terms",
    "open_study",
    "planned_calls",
    "run",
    "status",
    "write_study_file",
]
