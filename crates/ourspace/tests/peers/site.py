"""What Python programs say of a site: argument 1 is what is asked.

signers FILE...: who signed the record and the grant in each record.json, by eth-account.
copy URL FOLDER: fetches each path that comes on standard input into the folder.
"""
import json
import pathlib
import sys
import urllib.request

from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data


def signer(proof):
    if proof["scheme"] == "typed_data":
        message = encode_typed_data(full_message=proof["typed_data"])
    else:
        message = encode_defunct(text=proof["text"])
    return Account.recover_message(message, signature=proof["signature"])


def copy(url, folder):
    for path in sys.stdin.read().splitlines():
        target = pathlib.Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url + path) as answer:
            target.write_bytes(answer.read())


if sys.argv[1] == "copy":
    copy(*sys.argv[2:])
else:
    answers = []
    for name in sys.argv[2:]:
        found = json.loads(pathlib.Path(name).read_text())
        answers += [signer(found["record"]), signer(found["grant"])]
    print(json.dumps(answers))
