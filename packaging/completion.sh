# SPDX-License-Identifier: Apache-2.0
# Completion of anabranch for bash, and for zsh by its bashcompinit. Made by packaging/java/Completions.java of the command
# line itself; do not edit. Names of volumes, snapshots and sessions come from the running server, and from none without
# a word: it is asked for at most two seconds, and its answer is kept for five.

_anabranch_ask() {
  local now=${SECONDS%.*}
  if [[ ${_anabranch_asked-} != "$*" || $((now - ${_anabranch_at:-0})) -gt 5 ]]; then
    _anabranch_answer=$(timeout "${ANABRANCH_COMPLETION_SECONDS:-2}" "$@" 2>/dev/null </dev/null)
    _anabranch_asked=$*
    _anabranch_at=$now
  fi
  printf '%s\n' "$_anabranch_answer"
}

# The values at a key in JSON that is pretty or not.
_anabranch_values() {
  tr ',{}[]' '\n\n\n\n\n' | sed -n "s/^ *\"$1\" *: *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p" | sort -u
}

_anabranch_complete() {
  local cur=${COMP_WORDS[COMP_CWORD]} verb='' kind='' choices='' place=0 i word pending=''
  local socket=() all=("${COMP_WORDS[@]:0:$((COMP_CWORD + 1))}")
  COMPREPLY=()
  # bash cuts words at @, : and =; names of snapshots and initiators have these in them.
  if [[ -n ${BASH_VERSION-} ]]; then
    local line=${COMP_LINE:0:$COMP_POINT}
    read -r -a all <<<"$line"
    [[ $line != *[[:space:]] ]] || all+=('')
  fi
  local last=$((${#all[@]} - 1)) whole
  whole=${all[last]}
  for ((i = 1; i < last; i++)); do
    word=${all[i]}
    if [[ $pending == --socket ]]; then socket=(--socket "$word"); fi
    if [[ -n $pending ]]; then
      pending=
      continue
    fi
    case $word in
      --socket=*) socket=("$word") ;;
      -*=*) ;;
      -*)
        _anabranch_kind "$verb $word"
        [[ -z $kind ]] || pending=$word
        ;;
      *)
        _anabranch_words "${verb:+$verb }$word"
        if [[ -n $choices ]]; then
          verb=${verb:+$verb }$word
        else
          place=$((place + 1))
        fi
        ;;
    esac
  done

  kind=
  if [[ -n $pending ]]; then
    _anabranch_kind "$verb $pending"
  elif [[ $whole == --*=* ]]; then
    _anabranch_kind "$verb ${whole%%=*}"
    whole=${whole#*=}
  elif [[ $whole != -* ]]; then
    _anabranch_kind "$verb $place"
  fi
  choices=
  case $kind in
    volumes) choices=$(_anabranch_ask "${all[0]}" volume list --json "${socket[@]}" | _anabranch_values name) ;;
    snapshots) choices=$(_anabranch_ask "${all[0]}" snapshot list --json "${socket[@]}" | _anabranch_values name) ;;
    new_snapshots) choices=$(_anabranch_ask "${all[0]}" volume list --json "${socket[@]}" | _anabranch_values name | sed 's/$/@/') ;;
    devices) choices=$(_anabranch_ask "${all[0]}" dm ls --json "${socket[@]}" | _anabranch_values name) ;;
    sessions) choices=$(_anabranch_ask "${all[0]}" session list --json "${socket[@]}" | _anabranch_values id) ;;
    initiators) choices=$(_anabranch_ask "${all[0]}" session list --json "${socket[@]}" | _anabranch_values initiator) ;;
    files | folders) ;;
    '') _anabranch_words "$verb" ;;
  esac
  if [[ $kind == files || $kind == folders ]]; then
    local action=-f
    [[ $kind == files ]] || action=-d
    while IFS= read -r word; do
      if [[ -d $word ]]; then COMPREPLY+=("$word/"); else COMPREPLY+=("$word "); fi
    done < <(compgen "$action" -- "$whole")
    return
  fi
  # Of a word that bash has cut at @ or :, only what is behind the cut is to be given.
  local cut=''
  [[ $whole == "$cur" || $cur == *=* ]] || cut=${whole%"$cur"}
  for word in $(compgen -W "$choices" -- "$whole"); do
    [[ $word == *@ ]] || word="$word "
    COMPREPLY+=("${word#"$cut"}")
  done
}

# Sets choices to what may follow a command; nothing where there is no such command.
_anabranch_words() {
  choices=
  case $1 in
@WORDS@
  esac
}

# Sets kind to what may stand behind an option, or at an argument, by its number from 0 or at any place.
_anabranch_kind() {
  kind=
  case $1 in
@ARGUMENTS@
  esac
}

complete -o nospace -F _anabranch_complete anabranch
