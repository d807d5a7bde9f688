# fish completion of executorctl: it says itself what may come next (executorctl complete).
function __executorctl_complete
	set -l words (commandline -opc)
	$words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c executorctl -a '(__executorctl_complete)'
