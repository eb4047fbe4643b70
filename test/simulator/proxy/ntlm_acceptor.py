"""Accepts NTLM by gss-ntlmssp for the simulator: a line of JSON in, a line of JSON out.

In:  {"id": 1, "connection": "7", "token": "<base64>", "binding": "<base64>" | null}
     {"connection": "7", "end": true}
Out: {"id": 1, "state": "continue", "token": "<base64>"}
     {"id": 1, "state": "done", "user": "DOMAIN\\user", "bound": true}
     {"id": 1, "state": "refused", "reason": "..."}

One context a connection. The users are in the file that NTLM_USER_FILE names, as DOMAIN:user:password.
"""
import base64
import json
import sys

import gssapi
from gssapi import raw

NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
CHANNEL_BOUND = 2048
MAX_CONTEXTS = 1000
contexts = {}


def step(message):
    connection = message["connection"]
    token = base64.b64decode(message["token"])
    first = token[:9] == b"NTLMSSP\0\1"
    context = contexts.pop(connection, None)
    if first:
        binding = message.get("binding")
        bindings = raw.ChannelBindings(application_data=base64.b64decode(binding)) if binding else None
        credentials = gssapi.Credentials(usage="accept", mechs=[NTLM])
        context = gssapi.SecurityContext(creds=credentials, usage="accept", channel_bindings=bindings)
    if context is None:
        return {"state": "refused", "reason": "no handshake has begun on this connection"}
    answer = context.step(token)
    if not context.complete:
        contexts[connection] = context
        while len(contexts) > MAX_CONTEXTS:
            contexts.pop(next(iter(contexts)))
        return {"state": "continue", "token": base64.b64encode(answer).decode()}
    flags = int(context.actual_flags)
    # gss-ntlmssp counts the NUL at the end of the name.
    user = str(context.initiator_name).rstrip("\0")
    return {"state": "done", "user": user, "bound": flags & CHANNEL_BOUND != 0}


for line in sys.stdin:
    message = json.loads(line)
    if message.get("end"):
        contexts.pop(message["connection"], None)
        continue
    try:
        reply = step(message)
    except Exception as error:
        reply = {"state": "refused", "reason": str(error)}
    print(json.dumps({"id": message["id"], **reply}), flush=True)
