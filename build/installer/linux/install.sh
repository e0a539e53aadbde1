#!/bin/sh
# Installs PDM Desktop for this user alone, without root: program, starter commands, menu entry, icons, file type.
# --prefix DIR puts it there instead of ~/.local. Installing again replaces the program; workspaces are never touched.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
prefix=
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) [ $# -ge 2 ] || { echo "--prefix needs a folder" >&2; exit 2; }; prefix=$2; shift 2 ;;
        *) echo "usage: $0 [--prefix DIR]" >&2; exit 2 ;;
    esac
done
if [ -z "$prefix" ]; then
    [ -n "${HOME:-}" ] || { echo "HOME is not set: name a folder with --prefix" >&2; exit 3; }
    prefix=$HOME/.local
fi
mkdir -p "$prefix"
prefix=$(CDPATH= cd -- "$prefix" && pwd -P)
target=$prefix/lib/pdm-desktop
case $here/ in "$target"/*) echo "This copy is the installed one." >&2; exit 3 ;; esac
mkdir -p "$prefix/lib" "$prefix/bin" "$prefix/share/applications"
new=$prefix/lib/.pdm-desktop.new
rm -rf "$new"
cp -a "$here" "$new"
rm -rf "$target"
mv "$new" "$target"
ln -sfn "$target/pdm-desktop" "$prefix/bin/pdm-desktop"
ln -sfn "$target/pdm-desktop-window" "$prefix/bin/pdm-desktop-window"
# In Exec= a quoted path may hold anything, with \ " ` $ written as \\\\ \\" \\` \\$ and % as %%.
program=$(printf '%s' "$target/pdm-desktop-window" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g')
while IFS= read -r line; do
    case $line in
        "Exec=@PROGRAM@ "*) printf 'Exec="%s" %s\n' "$program" "${line#* }" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < "$target/share/pdm-desktop.desktop" > "$prefix/share/applications/pdm-desktop.desktop"
for size in 48 128 256; do
    mkdir -p "$prefix/share/icons/hicolor/${size}x$size/apps"
    cp "$target/share/pdm-desktop-$size.png" "$prefix/share/icons/hicolor/${size}x$size/apps/pdm-desktop.png"
done
mkdir -p "$prefix/share/icons/hicolor/scalable/apps"
cp "$target/share/pdm-desktop.svg" "$prefix/share/icons/hicolor/scalable/apps/pdm-desktop.svg"
mkdir -p "$prefix/share/mime/packages"
cp "$target/share/pdm-desktop.xml" "$prefix/share/mime/packages/pdm-desktop.xml"
if command -v update-mime-database >/dev/null 2>&1; then
    update-mime-database "$prefix/share/mime" || true
fi
if command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$prefix/share/applications" || true
fi
echo "Installed in $target. Start it from the menu, or with $prefix/bin/pdm-desktop-window."
echo "To remove it: $target/uninstall.sh"
