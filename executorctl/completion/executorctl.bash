# bash completion of executorctl: it says itself what may come next (executorctl complete).
_executorctl() {
	local line=${COMP_LINE:0:COMP_POINT} words word cut
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	word=${words[${#words[@]} - 1]}
	mapfile -t COMPREPLY < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
	# bash takes a colon for the beginning of a word: what is before the last one stands there already
	if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
		cut=${word%"${word##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	fi
}
complete -o default -F _executorctl executorctl
