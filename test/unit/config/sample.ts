/** The start of a connection file: everything but how to log in. Four lines. */
export const head =
  'name = "Qlik"\ncode = qlik-prod\nconnector_id = "qlik-sense"\nconnection.url = "https://qlik.example.com/vp"\n';
/** Logs in by header. One line. */
export const header = 'connection.auth { key = "X-Qlik-User", value = "CORP\\\\svc" }\n';
