"""temp"""


class SlotFault(Exception):
    pass


def check_slot(name, device):
    try:
        getattr(device, name)
    except Exception as e:
        raise SlotFault(f"{e!r}") from e


def core_slot_faults(make):
    return {}


def work_slot_faults(make):
    return {}
