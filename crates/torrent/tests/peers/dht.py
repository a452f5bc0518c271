"""A net of Mainline DHT nodes by libtorrent, each at a port of one address.

Usage: dht.py ADDRESS COUNT. Says "ready" when every node knows most of the others, and stays
until its input ends.
"""

import sys
import time

import libtorrent

PORT = 7000


def node(address, port):
    return libtorrent.session({
        "listen_interfaces": f"{address}:{port}",
        "enable_dht": True,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_bootstrap_nodes": "",
        # All of them are at one address, which the open DHT would not stand.
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False,
        "dht_enforce_node_id": False,
        "dht_block_ratelimit": 1_000_000,
        "dht_upload_rate_limit": 100_000_000,
        "alert_mask": 0,
    })


def main():
    address, count = sys.argv[1], int(sys.argv[2])
    nodes = [node(address, PORT + n) for n in range(count)]
    for n, session in enumerate(nodes):
        for other in range(count):
            if other != n:
                session.add_dht_node((address, PORT + other))
    deadline = time.monotonic() + 20
    while min(session.status().dht_nodes for session in nodes) < count // 2:
        if time.monotonic() > deadline:
            sys.exit("the nodes do not find each other")
        time.sleep(0.05)
    print("ready", flush=True)
    sys.stdin.read()


main()
