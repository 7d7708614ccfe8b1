"""Failures that become a Status: each knows its code and reason; the caller names the object."""

from __future__ import annotations


class ObjectError(Exception):
    """A request that the API server answers with an error about the object in it."""

    code = 500
    reason = ""


class BadRequest(ObjectError):
    """The request can't be understood."""

    code = 400
    reason = "BadRequest"


class InternalError(ObjectError):
    """What the genuine server reports as an error of its own: 500 with a message and no reason."""


class Unprocessable(ObjectError):
    """A well-formed patch that can't be carried out on this object: 422 without causes."""

    code = 422
    reason = "Invalid"


class TooLarge(ObjectError):
    """More work or bytes than a request may ask for."""

    code = 413
    reason = "RequestEntityTooLarge"
