wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"requestId":"r","principal":{"id":"u-17","roles":["user"],"attr":{"type":"user","tenant":"acme","status":"active","country":"DE"}},"resources":[{"actions":["read"],"resource":{"kind":"order","id":"o-1","attr":{"owner":"u-17","tenant":"acme"}}}]}'
