#!/bin/bash
# Records what an API server answers, as JSON and as protobuf: the fixtures beside this script. It wants a fresh API
# server (1.36 here) without a kubelet, which leaves Pods as they are:
#   record.sh https://127.0.0.1:26443 TOKEN
# Started anew, the API server has forgotten what was before; then
#   record.sh https://127.0.0.1:26443 TOKEN expired
set -euo pipefail
cd "$(dirname "$0")"
SERVER=$1 TOKEN=$2
PODS=/api/v1/namespaces/wire/pods EVENTS=/api/v1/namespaces/wire/events
JSON=application/json PROTO=application/vnd.kubernetes.protobuf

ask() { # method, path, content type of the body, body, what is accepted
    curl -sk -A record -X "$1" "$SERVER$2" -H "Authorization: Bearer $TOKEN" -H "Content-Type: $3" -H "Accept: ${5:-$JSON}" ${4:+--data-binary "$4"}
}
both() { # name, method, path, body, parameters of the media types, those of the protobuf one
    ask "$2" "$3" $JSON "$4" "$JSON${5:-}" > "$1.json"
    ask "$2" "$3" $JSON "$4" "$PROTO${5:-}${6:-}" > "$1.pb"
}
both_at_once() { # both media types watch at one time, so that both see the same
    ask GET "$2&watch=true&allowWatchBookmarks=true&timeoutSeconds=5" $JSON '' "$JSON${3:-}" > "$1.json" &
    ask GET "$2&watch=true&allowWatchBookmarks=true&timeoutSeconds=5" $JSON '' "$PROTO${3:-};stream=watch" > "$1.pb" &
}

if [ "${3:-}" = expired ]; then
    both_at_once expired "$PODS?resourceVersion=1"
    wait
    exit
fi
ask POST /api/v1/namespaces $JSON '{"metadata":{"name":"wire"}}' > /dev/null
ask POST /apis/node.k8s.io/v1/runtimeclasses $JSON '{"metadata":{"name":"fast"},"handler":"fast"}' > /dev/null
ask POST $PODS $JSON @pod.manifest.json > /dev/null
ask PATCH $PODS/web/status application/merge-patch+json @pod.status.json > /dev/null
ask POST $PODS $JSON '{"metadata":{"name":"x-bare"},"spec":{"containers":[{"name":"web","image":"web:1"}]}}' > /dev/null
ask POST $EVENTS $JSON @event.manifest.json > /dev/null
ask DELETE $PODS/web $JSON '' > /dev/null # its finalizer keeps it, being deleted

META=";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
both pod GET $PODS/web ''
both list GET "$PODS?limit=1" ''
both none GET "$PODS?labelSelector=none" ''
both metadata GET $PODS/web '' "$META"
both metadata_list GET "$PODS?limit=1" '' "${META/Metadata/MetadataList}"
both event_list GET $EVENTS ''
both missing GET $PODS/none ''
both invalid POST $PODS '{"metadata":{"name":"a_b"},"spec":{"containers":[]}}'

happens() {
    sleep 2
    ask PATCH $PODS/x-bare application/merge-patch+json '{"metadata":{"labels":{"a":"b"}}}' > /dev/null
    ask DELETE "$PODS/x-bare?gracePeriodSeconds=0" $JSON '' > /dev/null
}
INITIAL="sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
both_at_once watch "$PODS?$INITIAL"
both_at_once metadata_watch "$PODS?$INITIAL" "$META"
both_at_once event_watch "$EVENTS?$INITIAL"
happens
wait
