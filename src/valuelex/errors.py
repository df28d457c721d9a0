"""One base error for everything a user can cause and mend.

A message names the offender, says what was expected, and ends with the way out.
The command line prints it as one line and exits with code 2.
"""


class ValueLexError(Exception):
    """Base of every error that is raised on purpose."""


class StudyError(ValueLexError):
    """A study file, or a name that it uses, is wrong."""


class DataError(ValueLexError):
    """Data has the wrong shape, labels or content for what was asked."""


class LedgerError(ValueLexError):
    """A ledger or a study folder cannot be used."""


class CallError(ValueLexError):
    """An endpoint or a model cannot be called."""


class BudgetError(ValueLexError):
    """What the user allowed is used up; everything so far is kept."""


class MissingPartError(ValueLexError):
    """An optional part, such as the embedded model, is not installed."""


class NotApprovedError(ValueLexError):
    """The user was asked whether to send calls, and said no."""

    def __init__(self) -> None:
        super().__init__("Not sent. Nothing was changed.")
