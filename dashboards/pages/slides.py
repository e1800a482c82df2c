"""Slides: the figures kept so far, on their way to a talk."""

from dashboards.pages.base import Page

SLIDES = Page("slides", "Slides", "What do you take to your talk?")
