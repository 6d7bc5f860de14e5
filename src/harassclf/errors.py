"""One error tree. Every message says what was found, what was expected and what to do; none repeats a message text."""

from __future__ import annotations


class HarassclfError(Exception):
    """Base of every error that harassclf raises on purpose.

    ``code`` is the stable machine name (also used in HTTP answers), ``exit_status`` what the command line returns.
    """

    code = "error"
    exit_status = 1


class InputError(HarassclfError):
    """A message that cannot be judged."""

    code = "input_invalid"
    exit_status = 2


class TextTypeError(InputError):
    """The message is not a string."""

    code = "text_not_string"


class TextEmptyError(InputError):
    """The message is empty or blank."""

    code = "text_empty"


class TextTooLongError(InputError):
    """The message is over the length limit."""

    code = "text_too_long"


class TextEncodingError(InputError):
    """The message holds lone surrogates: it was decoded wrongly and means nothing."""

    code = "text_not_unicode"


class LabelError(InputError, ValueError):
    """A label or category that does not exist."""

    code = "label_unknown"


class BatchTooLargeError(InputError):
    """A request holds more messages than allowed."""

    code = "batch_too_large"


class TableError(HarassclfError):
    """A table that cannot be read."""

    code = "table_invalid"
    exit_status = 2


class OutputError(HarassclfError):
    """A place that cannot be written, or must not be."""

    code = "output_refused"
    exit_status = 2


class SettingsError(HarassclfError):
    """A setting with an unusable value."""

    code = "setting_invalid"
    exit_status = 2


class CorpusError(HarassclfError):
    """A corpus that breaks its own rules."""

    code = "corpus_invalid"
    exit_status = 2


class ModelError(HarassclfError):
    """A model folder that must not be used."""

    code = "model_refused"


class MissingDependencyError(HarassclfError):
    """An optional package is needed and absent."""

    code = "dependency_missing"


class ServeError(HarassclfError):
    """The service cannot start."""

    code = "serve_failed"
