"""What every router needs: the loaded classifier, and the errors each route documents."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from harassclf.classifier import Classifier
from harassclf.errors import HarassclfError
from harassclf.service import schemas

ERRORS: dict[int | str, dict[str, Any]] = {
    413: {"model": schemas.ErrorOut, "description": "Body over the limit"},
    422: {"model": schemas.ErrorOut, "description": "Unusable input"},
    400: {"model": schemas.ErrorOut, "description": "Not JSON"},
    503: {"model": schemas.ErrorOut, "description": "Not ready, or overloaded"},
}


class NotReadyError(HarassclfError):
    """The model is not loaded yet."""

    code = "not_ready"


async def _classifier(request: Request) -> Classifier:
    found: Classifier | None = request.app.state.classifier
    if found is None:
        raise NotReadyError("the model is still loading; ask again in a second")
    return found


# A plain function would be called in a thread, a third of the request.
Loaded = Annotated[Classifier, Depends(_classifier)]
