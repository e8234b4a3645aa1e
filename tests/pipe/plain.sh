#!/bin/sh
# plain.sh - baseline/edge_only.c as a pipe policy in a few lines of shell: any language that reads and writes lines will do.
while IFS= read -r line; do
    case $line in
    *'"duosim_pipe"'*) echo '{"policy":{"name":"plain"}}' ;;
    *'"kind":"arrived"'*) echo '{"steps":[{"write":{"at":0,"from":1,"show":true}}]}' ;;
    *'"kind":"written"'*) text=${line#*'"text":'}; echo "{\"answer\":${text%%,*}}" ;;
    *'"why":"'*) why=${line#*'"why":"'}; echo "{\"give_up\":\"${why%%'"'*}\"}" ;;
    *) echo '{}' ;;
    esac
done
