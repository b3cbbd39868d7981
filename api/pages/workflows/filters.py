"""The filters of the page of workflows, as they stand in its URL: the API's, but an empty one asks for nothing."""

from datetime import UTC
from urllib.parse import urlencode

from pydantic import ConfigDict, ValidationError
from starlette.datastructures import QueryParams

from api.pages.workflows.rows import ON_A_PAGE
from api.problems import Problem
from api.routes.filters import Filters, Place
from state.listing import Listing

_MOMENTS = ("created_after", "created_before")


class PageFilters(Filters):
    """Which workflows, from which place on."""

    model_config = ConfigDict(extra="ignore")

    cursor: Place = None

    @property
    def wanted(self) -> Listing:
        """What the store is asked for."""
        return self.listing(self.cursor, ON_A_PAGE)

    @property
    def given(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, name) for name in Filters.model_fields)

    def url(self, **more: str) -> str:
        """What stands behind the `?` of the first page of this list, and `more`."""
        found = self.model_dump(mode="json", exclude={"cursor"})
        return urlencode([(name, value) for name, value in [*found.items(), *more.items()] if value], doseq=True)

    def at(self, name: str) -> str:
        """A moment as the form's box takes it: UTC."""
        moment = getattr(self, name)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if moment else ""


def filters_in(query: QueryParams) -> PageFilters:
    """The filters in a URL; raises `Problem` when one cannot be read."""
    given = {name: [one for one in query.getlist(name) if one] for name in query}
    plain = {name: found if name == "status" else found[-1] for name, found in given.items() if found}
    # A browser's own box for a moment knows no zone; ours says UTC.
    zoned = {name: f"{at}Z" if name in _MOMENTS and _has_no_zone(str(at)) else at for name, at in plain.items()}
    try:
        return PageFilters.model_validate(zoned)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Problem(
            "invalid_request",
            f"A filter cannot be read: {said}",
            recovery_action="correct_request",
            suggestions=["Begin anew at /workflows."],
        ) from error


def _has_no_zone(moment: str) -> bool:
    """Whether it is as a browser's box for moments gives it."""
    return len(moment) in (16, 19) and moment[10:11] == "T"
