"""Whatever happens, nothing personal and no secret stands where it has no place."""

import pytest

from tests.delivery.receiver import Receiver
from tests.secrecy.flows import Flows
from tests.secrecy.markers import MAY
from tests.secrecy.outlets import Watch, told
from tests.support import Host


def test_nothing_stands_where_it_may_not_whatever_happens(planted: Host, watch: Watch, there: Receiver) -> None:
    Flows(planted, watch, there).all()
    assert not watch.leaks, told(watch.leaks)
    assert MAY.keys() - watch.seen.keys() <= {"log"}, (
        "every outlet was read; where nothing goes wrong, little is logged"
    )
    allowed_in_vain = {outlet: sorted(may - watch.seen[outlet]) for outlet, may in MAY.items()}
    assert {outlet: never for outlet, never in allowed_in_vain.items() if never} == {}


@pytest.mark.long
@pytest.mark.postgres
def test_nor_does_it_on_postgresql(on_postgres: Host, watch: Watch, there: Receiver) -> None:
    Flows(on_postgres, watch, there).all()
    assert not watch.leaks, told(watch.leaks)
