"""Refusals: what a person asked for can't be done, and what to do instead.

A module of its own, standard library only, because it travels to the worker with `bundle` and `objects`.
"""

from enum import StrEnum
from typing import Self

#: the status of HTTP of a code that isn't one of ours, such as one of a newer server
UNKNOWN_STATUS = 400


class ErrorCode(StrEnum):
    """All codes of refusals: stable words for programs, each with the status of HTTP that goes with it."""

    status: int

    def __new__(cls, code: str, status: int = 422) -> Self:
        """A code that has no status of its own says that what was asked for can't be done."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.status = status
        return made

    # 400: asked in a way that nobody can answer
    REFUSED = "refused", 400
    # 403: not for this person
    FORBIDDEN = "forbidden", 403
    # 404: there is nothing of that name
    NO_SUCH_FILE = "no_such_file", 404
    NO_SUCH_OWNER = "no_such_owner", 404
    NO_SUCH_ROUTE = "no_such_route", 404
    NO_PREVIEW = "no_preview"
    NO_SUCH_RUN = "no_such_run", 404
    NO_SUCH_SCHEDULE = "no_such_schedule", 404
    NO_SUCH_VERSION = "no_such_version", 404
    NO_SUCH_WORKER = "no_such_worker", 404
    # 405: not at this address
    WRONG_METHOD = "wrong_method", 405
    # 409: not as things are now
    BUSY = "busy", 409
    CONFIRM_BACKFILL = "confirm_backfill", 409
    CONFIRM_DELETE = "confirm_delete", 409
    NAME_RESERVED = "name_reserved", 409
    NAME_TAKEN = "name_taken", 409
    NOT_OWNER = "not_owner", 409
    NOT_PUBLIC = "not_public", 409
    NOTHING_TO_PUBLISH = "nothing_to_publish", 409
    RUN_ENDED = "run_ended", 409
    RUN_NOT_ENDED = "run_not_ended", 409
    SCHEDULE_BROKEN = "schedule_broken", 409
    SCHEDULE_ENDED = "schedule_ended", 409
    TOO_MANY = "too_many", 409
    WORKER_OVER = "worker_over", 409
    # 410: not any more
    CODE_REMOVED = "code_removed", 410
    FILES_REMOVED = "files_removed", 410
    # 412: changed meanwhile
    CHANGED_ELSEWHERE = "changed_elsewhere", 412
    # 413: too large
    ARCHIVE_TOO_BIG = "archive_too_big", 413
    BUNDLE_TOO_BIG = "bundle_too_big", 413
    NOTEBOOK_TOO_LARGE = "notebook_too_large", 413
    TOO_LARGE = "too_large", 413
    # 415: sent as something else
    NOT_JSON = "not_json", 415
    # 422: what was said can't be done
    ACCOUNT_KEY = "account_key"
    ARCHIVE_UNREADABLE = "archive_unreadable"
    ARCHIVE_UNSAFE = "archive_unsafe"
    BAD_AREA = "bad_area"
    BAD_CONTRACT = "bad_contract"
    BAD_CRON = "bad_cron"
    BAD_DAY = "bad_day"
    BAD_END = "bad_end"
    BAD_FREQUENCY = "bad_frequency"
    BAD_KEY = "bad_key"
    BAD_NAME = "bad_name"
    BAD_OWNER = "bad_owner"
    BAD_OUTPUT_DIR = "bad_output_dir"
    BAD_PARALLEL = "bad_parallel"
    BAD_PARAMETER = "bad_parameter"
    BAD_PATH = "bad_path"
    BAD_TIME = "bad_time"
    BAD_TIMEOUT = "bad_timeout"
    BAD_URL = "bad_url"
    BUNDLE_CHANGED = "bundle_changed"
    BUNDLE_TOO_DENSE = "bundle_too_dense"
    BUNDLE_UNUSABLE = "bundle_unusable"
    CHANNEL_UNUSABLE = "channel_unusable"
    CREDENTIALS_IN_REQUIREMENTS = "credentials_in_requirements"
    CURRENT_VERSION = "current_version"
    DESTINATION = "destination"
    ENVIRONMENT = "environment"
    ENVIRONMENT_GONE = "environment_gone"
    ENVIRONMENT_UNSUPPORTED = "environment_unsupported"
    FILE_CHANGED = "file_changed"
    FILE_EXISTS = "file_exists"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IN_THE_PAST = "in_the_past"
    INSIDE_RUN = "inside_run"
    INVALID = "invalid"
    KERNEL_MISSING = "kernel_missing"
    KERNEL_UNREADABLE = "kernel_unreadable"
    KEY_IN_CODE = "key_in_code"
    LINK_ALONE = "link_alone"
    LIVES_LONGER = "lives_longer"
    MISSING_FILE = "missing_file"
    NAME_CLASH = "name_clash"
    NAME_FIXED = "name_fixed"
    NEEDS_REBUNDLE = "needs_rebundle"
    NEVER_MATCHES = "never_matches"
    NO_AD_HOC = "no_ad_hoc"
    NO_BOTO3 = "no_boto3"
    NO_DATA_ROLE = "no_data_role"
    NO_FILES = "no_files"
    NO_FILES_HERE = "no_files_here"
    NO_HUB = "no_hub"
    NO_LEDGER = "no_ledger"
    NO_MACHINES = "no_machines"
    NO_MATCH = "no_match"
    NO_NOTEBOOK = "no_notebook"
    NO_OPEN_RUN = "no_open_run"
    NO_PARAMETERS = "no_parameters"
    NO_PARAMETERS_CELL = "no_parameters_cell"
    NO_PRICE = "no_price"
    NO_PRICES = "no_prices"
    NO_PUBLIC_AREA = "no_public_area"
    NO_SERVICE_MANAGER = "no_service_manager"
    NO_SUCH_BUNDLE = "no_such_bundle"
    NO_SUCH_CHANNEL = "no_such_channel"
    NO_SUCH_DATA_ROLE = "no_such_data_role"
    NO_SUCH_FOLDER = "no_such_folder"
    NO_SUCH_LAUNCHER = "no_such_launcher"
    LAUNCHER_BROKEN = "launcher_broken"
    NO_SUCH_SIZE = "no_such_size"
    NO_SUCH_VARIABLE = "no_such_variable"
    NOT_A_FILE = "not_a_file"
    NOT_A_NOTEBOOK = "not_a_notebook"
    NOT_DELETED = "not_deleted"
    NOT_EMPTY = "not_empty"
    NOT_HERE = "not_here"
    NOT_HOVER_DATA = "not_hover_data"
    NOT_INSTALLED = "not_installed"
    NOT_ITS_BUNDLE = "not_its_bundle"
    NOT_RUN_YET = "not_run_yet"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_WITH_NOTEBOOK = "not_with_notebook"
    NOT_YOURS = "not_yours"
    NOTEBOOK_TOO_OLD = "notebook_too_old"
    NOTEBOOK_MISSING = "notebook_missing"
    NOTEBOOK_UNREADABLE = "notebook_unreadable"
    NOTHING_PUBLIC = "nothing_public"
    NOTHING_TICKS = "nothing_ticks"
    NOTHING_TO_BACKFILL = "nothing_to_backfill"
    NOTHING_TO_CHANGE = "nothing_to_change"
    NOTHING_TO_SCHEDULE = "nothing_to_schedule"
    NOTHING_TO_TELL = "nothing_to_tell"
    NOWHERE_TO_MOVE = "nowhere_to_move"
    ONE_THING = "one_thing"
    OUTSIDE_ROOT = "outside_root"
    OWNER_NEEDED = "owner_needed"
    PRICES_WRONG = "prices_wrong"
    PUBLIC_FOLDER = "public_folder"
    PUBLIC_UNCONFIRMED = "public_unconfirmed"
    REASON_NEEDED = "reason_needed"
    REQUIREMENTS_UNREADABLE = "requirements_unreadable"
    RESERVED_NAME = "reserved_name"
    RUNS_GOING = "runs_going"
    SERVER_FAILED = "server_failed"
    SERVER_TOO_OLD = "server_too_old"
    SERVER_UNREACHABLE = "server_unreachable"
    SERVICE_ENDED = "service_ended"
    SERVICE_MANAGER = "service_manager"
    SETTINGS_MALFORMED = "settings_malformed"
    SETTINGS_UNREADABLE = "settings_unreadable"
    SETTINGS_WRONG = "settings_wrong"
    SEVERAL_RUNS = "several_runs"
    STILL_RUNNING = "still_running"
    STILL_STOPPING = "still_stopping"
    STORE_TOO_NEW = "store_too_new"
    STORE_UNKNOWN = "store_unknown"
    SYSTEM = "system"
    TAKES_TOO_LONG = "takes_too_long"
    TAKES_TOO_MUCH = "takes_too_much"
    TARBALL_UNREADABLE = "tarball_unreadable"
    TOKENS_UNUSABLE = "tokens_unusable"
    TOO_LONG = "too_long"
    TOO_OFTEN = "too_often"
    TWO_FREQUENCIES = "two_frequencies"
    TWO_SETTINGS = "two_settings"
    TWO_SOURCES = "two_sources"
    TWO_TIMES = "two_times"
    TWO_TIMEZONES = "two_timezones"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_PARAMETER = "unknown_parameter"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    UNREADABLE = "unreadable"
    WHICH_NOTEBOOK = "which_notebook"
    WHICH_WORKER = "which_worker"
    WRONG_DIGEST = "wrong_digest"
    WRONG_PARAMETER_TYPE = "wrong_parameter_type"
    # 428: it must say more
    VERSION_NEEDED = "version_needed", 428
    # 500: a fault of ours
    BROKEN = "broken", 500
    # 503: not now: something that it needs is away
    IDENTITY_AWAY = "identity_away", 503
    OBJECTS_UNUSABLE = "objects_unusable", 503
    SHARED_SERVER_AWAY = "shared_server_away", 503
    STORE_AWAY = "store_away", 503
    STORE_BUSY = "store_busy", 503
    STORE_UNUSABLE = "store_unusable", 503
    # 507: no room
    DISK_FULL = "disk_full", 507


class Refused(Exception):  # noqa: N818  (it names what happened to a request, not a fault of ours)
    """A request can't be carried out, for a reason that the person who asked can act on.

    code: a stable word for programs, such as `name_taken`: the value of an `ErrorCode`, or of a newer server's.
    message: one sentence for a person, which says what is wrong and what to do next.
    field: the field of the form that it belongs to, or None.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str | None]]:
        """Travel between processes."""
        return type(self), (self.code, self.message, self.field)

    @property
    def status(self) -> int:
        """The status of HTTP that goes with its code."""
        known = ErrorCode.__members__.get(self.code.upper())
        return UNKNOWN_STATUS if known is None else known.status
