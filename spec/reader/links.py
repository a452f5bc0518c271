"""Links to accounts (chapter 8.6)."""

import ipaddress
import re

from eth_utils import is_checksum_address, to_checksum_address

LONGEST = 1_024
PEERS = 4
ID = "[1-9A-HJ-NP-Za-km-z]{46,52}"
NODE = re.compile(
    r"/ip(4|6)/([0-9A-Fa-f:.]+)/(?:tcp/([1-9][0-9]{0,4})|udp/([1-9][0-9]{0,4})/quic-v1)"
    rf"/p2p/{ID}(?:/p2p-circuit/p2p/{ID})?"
)


def is_node(text):
    form = NODE.fullmatch(text)
    if not form:
        return False
    version, address, tcp, udp = form.groups()
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return ip.version == int(version) and int(tcp or udp) <= 65_535


def read(text):
    """What a link says, or the name of its refusal."""
    text = text.strip()
    if len(text.encode()) > LONGEST:
        return "long"
    if not text.startswith("ourspace:0x"):
        return "form"
    account, *query = text.removeprefix("ourspace:").split("?", 1)
    digits = account[2:]
    if not re.fullmatch("[0-9A-Fa-f]{40}", digits):
        return "account"
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(account):
        return "account"
    account = to_checksum_address(account)
    peers = []
    for part in query[0].split("&") if query else []:
        if not part.startswith("peer="):
            return "form"
        if len(peers) == PEERS:
            return "long"
        if not is_node(part.removeprefix("peer=")):
            return "peer"
        peers.append(part.removeprefix("peer="))
    return {"account": account, "peers": peers}


def wrong_link(vector):
    expected = vector.get("refusal") or {key: vector[key] for key in ("account", "peers")}
    got = read(vector["text"])
    return None if got == expected else f"{got} instead of {expected}"
