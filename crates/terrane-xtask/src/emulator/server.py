"""moto as the tests need it: with what AWS does and moto does not, a journal of what was changed, and refusals on demand.

Usage: python server.py PORT

Beside AWS's own calls it answers on `/terrane/`:

    GET  /terrane/journal       every call that changed EC2 since the last reset, with what stood after it
    GET  /terrane/requests      how often each action of EC2 was called since the last reset
    GET  /terrane/reset         forgets both, and any refusal to come
    GET  /terrane/refuse?call=K refuses the K-th changing call from now on, once
"""

import json
import sys
import threading
from collections import Counter
from urllib.parse import parse_qs

from moto.ec2.models.network_acls import NetworkAclEntry
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.responses import EC2Response
from moto.ec2.responses.network_acls import NetworkACLs
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

LOCK = threading.RLock()
JOURNAL = []
REQUESTS = Counter()
COUNTDOWN = [0]
ICMP, TCP, UDP = "1", "6", "17"


# What AWS does and moto does not.


def with_icmp(method):
    """Reads type and code of ICMP under the name that the query protocol has for them."""

    def wrapped(self):
        plain = self._get_param
        self._get_param = lambda name, *rest: plain(name.replace("Icmp.", "IcmpTypeCode."), *rest)
        try:
            return method(self)
        finally:
            del self._get_param

    return wrapped


for name in ("create_network_acl_entry", "replace_network_acl_entry"):
    setattr(NetworkACLs, name, with_icmp(getattr(NetworkACLs, name)))


def entry_as_aws_keeps_it(plain):
    """Keeps ports of TCP and UDP alone, and types and codes of ICMP alone."""

    def wrapped(self, *args, **kwargs):
        plain(self, *args, **kwargs)
        if str(self.protocol) not in (TCP, UDP):
            self.port_range_from = self.port_range_to = None
        if str(self.protocol) not in (ICMP, "58"):
            self.icmp_type = self.icmp_code = None

    return wrapped


NetworkAclEntry.__init__ = entry_as_aws_keeps_it(NetworkAclEntry.__init__)


def forgetting_associations(plain):
    """Forgets the network ACL of a subnet that is deleted."""

    def wrapped(self, subnet_id):
        deleted = plain(self, subnet_id)
        for acl in self.network_acls.values():
            gone = [key for key, held in acl._associations.items() if held.subnet_id == subnet_id]
            for key in gone:
                del acl._associations[key]
        return deleted

    return wrapped


SubnetBackend.delete_subnet = forgetting_associations(SubnetBackend.delete_subnet)


# The journal.


def snapshot(backend):
    """Returns which network ACL each subnet has, which defaults let nothing through, and where routes lead."""
    acls, defaults = {}, {}
    for acl in backend.network_acls.values():
        for held in acl._associations.values():
            acls[held.subnet_id] = acl.id
        if acl.default:
            defaults[acl.vpc_id] = {
                "acl": acl.id,
                "closed": not any(entry.rule_action == "allow" for entry in acl.network_acl_entries),
            }
    gateways = {gateway.id for gateway in backend.internet_gateways.values()}
    nats = {nat.id for nat in backend.nat_gateways.values() if nat.state == "available"}
    tables, lost = {}, []
    for table in backend.route_tables.values():
        for subnet in table._associations.values():
            tables[subnet] = table.id
        for route in table.routes:
            gateway = getattr(route.gateway, "id", None) or ""
            if gateway.startswith("igw-") and gateway not in gateways:
                lost.append([table.id, gateway])
            nat = getattr(route.nat_gateway, "id", None)
            if nat and nat not in nats:
                lost.append([table.id, nat])
    subnets = [subnet for zone in backend.subnets.values() for subnet in zone.values()]
    return {
        "subnets": {
            subnet.id: {
                "vpc": subnet.vpc_id,
                "name": backend.tags.get(subnet.id, {}).get("Name", ""),
                "acl": acls.get(subnet.id),
                "table": tables.get(subnet.id),
            }
            for subnet in subnets
        },
        "defaults": defaults,
        "routes_to_what_is_gone": lost,
    }


def is_reading(action):
    return action.startswith(("Describe", "Get", "Search"))


REFUSAL = (
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code>"
    "<Message>the test refuses {action}</Message></Error></Errors><RequestID>refused</RequestID></Response>"
)
PLAIN_CALL = EC2Response.call_action


def call_action(self):
    action = self._get_action()
    with LOCK:
        REQUESTS[action] += 1
        if is_reading(action):
            return PLAIN_CALL(self)
        COUNTDOWN[0] -= 1
        refused = COUNTDOWN[0] == 0
        answer = (403, {}, REFUSAL.format(action=action)) if refused else PLAIN_CALL(self)
        JOURNAL.append({
            "action": action,
            "refused": refused,
            "about": {key: values[0] for key, values in self.querystring.items() if key.endswith("Id")},
            "after": snapshot(self.ec2_backend),
        })
        return answer


EC2Response.call_action = call_action


def control(environ, path):
    with LOCK:
        if path == "journal":
            return JOURNAL
        if path == "requests":
            return REQUESTS
        if path == "reset":
            JOURNAL.clear()
            REQUESTS.clear()
            COUNTDOWN[0] = 0
        elif path == "refuse":
            COUNTDOWN[0] = int(parse_qs(environ["QUERY_STRING"])["call"][0])
        return {}


def application(moto):
    """Answers what is asked of the emulator itself, and leaves the rest to moto."""
    prefix = "/terrane/"

    def answer(environ, start_response):
        if not environ["PATH_INFO"].startswith(prefix):
            return moto(environ, start_response)
        body = json.dumps(control(environ, environ["PATH_INFO"][len(prefix):])).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


if __name__ == "__main__":
    main = DomainDispatcherApplication(create_backend_app)
    main.debug = True
    run_simple("127.0.0.1", int(sys.argv[1]), application(main), threaded=True, request_handler=MotoRequestHandler)
