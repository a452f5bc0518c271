// Hashes and signs typed data and texts with viem, ethers and MetaMask's eth-sig-util, and
// asks MetaMask's own validator what it thinks of requests. JSON comes in on standard input
// and goes out on standard output.
"use strict";

const path = require("node:path");
const { hashMessage: viemHashMessage, hashTypedData } = require("viem");
const { signMessage, signTypedData } = require("viem/accounts");
const { TypedDataEncoder, Wallet, hashMessage } = require("ethers");
const metamask = require("@metamask/eth-sig-util");

const V4 = metamask.SignTypedDataVersion.V4;
const hex = (bytes) => "0x" + Buffer.from(bytes).toString("hex");

async function signed({ data, text, secret }) {
    const { EIP712Domain, ...types } = data.types;
    const wallet = new Wallet(secret);
    const bare = Buffer.from(secret.slice(2), "hex");
    return {
        type: TypedDataEncoder.from(types).encodeType(data.primaryType),
        digests: [
            hashTypedData({ ...data, types }),
            TypedDataEncoder.hash(data.domain, types, data.message),
            hex(metamask.TypedDataUtils.eip712Hash(data, V4)),
        ],
        typed: [
            await signTypedData({ ...data, types, privateKey: secret }),
            await wallet.signTypedData(data.domain, types, data.message),
            metamask.signTypedData({ privateKey: bare, data, version: V4 }),
        ],
        hashes: [viemHashMessage(text), hashMessage(text)],
        texts: [
            await signMessage({ message: text, privateKey: secret }),
            await wallet.signMessage(text),
            metamask.personalSign({ privateKey: bare, data: hex(Buffer.from(text)) }),
        ],
    };
}

// The validator is not among the package's exports, so it is loaded by its file.
function validator() {
    const folder = path.dirname(require.resolve("@metamask/signature-controller/package.json"));
    return require(path.join(folder, "dist/utils/validation.cjs"));
}

function validated({ data, from, chain, text }) {
    const { validatePersonalSignatureRequest, validateTypedSignatureRequest } = validator();
    const request = { origin: "https://ourspace.example" };
    try {
        if (text !== undefined) {
            validatePersonalSignatureRequest({ from, data: hex(Buffer.from(text)), ...request });
            return "accepted";
        }
        validateTypedSignatureRequest({
            currentChainId: chain,
            internalAccounts: [from],
            messageData: { from, data, ...request },
            request,
            version: V4,
        });
        return "accepted";
    } catch (error) {
        return error.message;
    }
}

async function main() {
    // Some of the modules make standard input non-blocking, so it cannot be read at once.
    const chunks = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    const asked = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const answer = asked.sign
        ? await Promise.all(asked.sign.map(signed))
        : asked.validate.map(validated);
    process.stdout.write(JSON.stringify(answer));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
