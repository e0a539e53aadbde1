#!/bin/sh
# Removes what install.sh put there, and nothing else: workspaces and settings stay.
set -eu
target=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
prefix=$(dirname -- "$(dirname -- "$target")")
if [ "$(basename -- "$target")" != pdm-desktop ] || [ ! -f "$prefix/share/applications/pdm-desktop.desktop" ]; then
    echo "This is not an installed copy: $target" >&2
    exit 3
fi
rm -f "$prefix/bin/pdm-desktop" "$prefix/bin/pdm-desktop-window" "$prefix/share/applications/pdm-desktop.desktop"
for size in 48x48 128x128 256x256; do
    rm -f "$prefix/share/icons/hicolor/$size/apps/pdm-desktop.png"
done
rm -f "$prefix/share/icons/hicolor/scalable/apps/pdm-desktop.svg" "$prefix/share/mime/packages/pdm-desktop.xml"
cd /
rm -rf "$target"
if command -v update-mime-database >/dev/null 2>&1; then
    update-mime-database "$prefix/share/mime" || true
fi
if command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$prefix/share/applications" || true
fi
echo "Removed. Workspaces and settings were left where they are."
