# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
_migoffctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' word words
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == @(status|engines|move) ]] && command=$word
	done
	case $prev in
	--pid)
		words=$(cd /proc && printf '%s ' [0-9]*)
		;;
	--to-node | --from-node)
		words=$(cd /sys/devices/system/node && printf '%s ' node[0-9]*)
		words=${words//node/}
		;;
	--range)
		return
		;;
	--socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*)
		case $command in
		move) words='--pid --range --from-node --to-node --move-all --engine-only --json --help' ;;
		status | engines) words='--json --help' ;;
		*) words='status engines move --socket --help --version' ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _migoffctl migoffctl
