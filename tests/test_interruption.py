"""Ctrl-C that somebody else drops is not lost."""

import signal
import weakref

import pytest

from har_ray import interruption


class Resource:
    """Something that is finalised."""


def ctrl_c_in_a_finaliser():
    resource = Resource()
    weakref.finalize(resource, signal.raise_signal, signal.SIGINT)
    del resource


def checked_after_it_was_dropped():
    with interruption.remembered():
        ctrl_c_in_a_finaliser()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_a_finaliser_drops_is_raised_at_the_next_check_and_ends_the_block():
    with pytest.raises(KeyboardInterrupt):
        checked_after_it_was_dropped()
    interruption.check()  # the next block knows nothing of it


def test_python_handles_ctrl_c_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with interruption.remembered():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
