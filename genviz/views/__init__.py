"""Views: one question answered by one figure each; ``VIEWS`` lists them in the course's order."""

from genviz.views.base import View
from genviz.views.subject import Subject, as_subject

#: Every view, in the order in which pages and `genviz views` show them.
VIEWS: tuple[View, ...] = ()

__all__ = ["VIEWS", "Subject", "View", "as_subject"]
