"""Logs in to the simulator by NTLM with gss-ntlmssp as the client: arguments are host, port, path, mode and scheme.

Mode `same` uses one connection and asks once more on it without a header; `apart` sends the last message on another one.
The user is in the file that NTLM_USER_FILE names. Prints one line of JSON: the statuses, and where the last one leads.
"""
import base64
import http.client
import json
import ssl
import sys

import gssapi

host, port, path, mode, scheme = sys.argv[1:6]
NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def connect():
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=15)


def ask(connection, headers):
    connection.request("GET", path, headers={"User-Agent": "Windows test", **headers})
    response = connection.getresponse()
    response.read()
    return response


def token_of(response):
    for value in response.headers.get_all("WWW-Authenticate", []):
        name, _, token = value.partition(" ")
        if name == scheme and token:
            return base64.b64decode(token)
    return None


def authorization(token):
    return {"Authorization": scheme + " " + base64.b64encode(token).decode()}


credentials = gssapi.Credentials(usage="initiate", mechs=[NTLM])
client = gssapi.SecurityContext(
    name=gssapi.Name("HTTP@" + host, gssapi.NameType.hostbased_service), creds=credentials, mech=NTLM, usage="initiate"
)
first = connect()
responses = [ask(first, {})]
responses.append(ask(first, authorization(client.step())))
last = authorization(client.step(token_of(responses[-1])))
responses.append(ask(first if mode == "same" else connect(), last))
if mode == "same":
    responses.append(ask(first, {}))
print(
    json.dumps(
        {
            "offers": responses[0].headers.get_all("WWW-Authenticate"),
            "statuses": [response.status for response in responses],
            "location": responses[2].headers.get("Location"),
        }
    )
)
