"""A session that stays alive in a worker process: wishes come in, events and planes go out.

Events, beside those of preparing: `ready` (the live file, scores, limit, what it takes), `turning`
(the other direction is being prepared), `plane` (one is drawn in the file, `ready` says how much of
it), `position` (score and change), `settled` (the whole file shows a lambda), `marks` (where
decision and limit lie), `kept` (a result was written), `refused` (a wish can't be granted, and
why), `ended`.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..events import Event, ProgressCallback
from .job import Job
from .live_file import LiveFile
from .methods import by_counterfactual
from .run import asked_models, read_input
from .service import Service
from .wishes import Attention, Wishes

if TYPE_CHECKING:
    from ..models.own.consent import Consent

# Without a wish for so long, the session ends by itself: it holds a scan's memory several times.
IDLE_S = 15 * 60.0
LIVE_FILE = "live.raw"


def serve(
    job: Job,
    wishes: Wishes,
    progress: ProgressCallback,
    consent: Consent | None = None,
    idle_s: float = IDLE_S,
) -> None:
    """Prepare what a job asks for and grant wishes until there is an end, which `ended` tells.

    Parameters
    ----------
    job : Job
        Its `stream` is where the live file lies, its `output` where a result is kept that is given
        no other place.
    wishes : Wishes
        Filled by another thread.
    progress : callable
        Gets all events.
    consent : Consent, optional
        Whether code of own models may run; None: if it was consented to before.

    Raises
    ------
    ScanError, ModelError, SettingsError, OutputError
        If it can't be prepared; later faults of a wish are told as `refused`.
    Cancelled
        If it was to end before it was ready.
    """
    from ..session.prepare import check_session, prepare_session

    if not by_counterfactual(job):
        raise SettingsError(f"A session moves Latent Shift's lambda; {job.method} has none.")
    if not job.stream:
        raise SettingsError("A session needs a folder 'stream' for its live volume.")
    check_session(job.region, job.settings)
    attention = Attention(wishes)
    with ExitStack() as stack:
        classifier, autoencoder, region = asked_models(job, wishes.cancel, consent)
        scan = read_input(job, classifier.grid.modality)
        session = stack.enter_context(
            prepare_session(
                scan,
                classifier,
                job.target,
                autoencoder,
                job.settings,
                progress,
                attention,
                region,
            )
        )
        live = LiveFile.write(Path(job.stream) / LIVE_FILE, session.scan.array)
        stack.callback(live.close, remove=True)
        service = Service(job, session, live, wishes, attention, progress)
        service.tell_ready(idle_s)
        ended = service.run(idle_s)
    progress(Event("ended", ended, 1.0, {"reason": ended}))
