# one.sh LOGS PROGRAM - run one test program: its output, exit code and seconds into files of LOGS.
name=$(echo "$2" | tr / _)
start=$(date +%s)
timeout 600 "$2" >"$1/$name.log" 2>&1
echo "$? $(($(date +%s) - start))" >"$1/$name.status"
