"""A reader's file whose functions fail in every way, and some that do not."""

import ctypes
import os
import signal
import sys
import time

import torch
from torch.nn import functional

CALLS_BEFORE_THE_END = 40
calls = 0


def good(image, weight):
    return functional.conv2d(image, weight, padding=1)


def good_at_stride_two(image, weight, stride=(1, 1)):
    return functional.conv2d(image, weight, padding=1, stride=stride)


def raises(image, weight):
    raise ValueError("no\nluck")  # line 25


def exits(image, weight):
    sys.exit(5)


def leaves(image, weight):
    os._exit(0)


def dies(image, weight):
    ctypes.string_at(0)


def hangs(image, weight):
    time.sleep(600)


def hangs_against_alarms(image, weight):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(600)


def kills_its_group(image, weight):
    os.killpg(0, signal.SIGKILL)


def returns_another_shape(image, weight):
    return functional.conv2d(image, weight)


def returns_nan(image, weight):
    return good(image, weight) * float("nan")


def returns_text(image, weight):
    return "a convolution"


def returns_nothing(image, weight):
    good(image, weight)


def is_wrong(image, weight):
    return good(image, weight) + 1


def is_right_once(image, weight):
    image *= 2
    return good(image, weight) / 2


def fails_when_small(image, weight):
    if image.shape[2] < 5:
        raise ValueError("too small for me")
    return good(image, weight)


def dies_later(image, weight):
    if _is_the_end():
        os.kill(os.getpid(), signal.SIGSEGV)
    return good(image, weight)


def raises_later(image, weight):
    if _is_the_end():
        raise RuntimeError("tired")
    return good(image, weight)


def leaves_later(image, weight):
    if _is_the_end():
        os._exit(0)
    return good(image, weight)


def is_slow(image, weight):
    time.sleep(0.05)
    return good(image, weight)


def needs_one_thread(image, weight):
    if torch.get_num_threads() > 1:
        return good(image, weight) + 1
    return good(image, weight)


def changes_threads(image, weight):
    torch.set_num_threads(torch.get_num_threads() + 1)
    return good(image, weight)


def _is_the_end():
    global calls  # noqa: PLW0603 - the state is the fault
    calls += 1
    return calls > CALLS_BEFORE_THE_END
