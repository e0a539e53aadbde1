; Installer for Windows (Inno Setup 6): iscc /DVersion=0.1.0 build\installer\windows\pdm-desktop.iss
; Takes what `py build\dev.py package` left in build\dist\pdm-desktop. For this user alone unless asked otherwise;
; uninstalling removes the program and leaves workspaces alone: they are never inside its folder.
#ifndef Version
  #error Name the version: /DVersion=x.y.z
#endif
#define Root "..\..\.."

[Setup]
AppId={{6F1B6C2E-6C0B-4E0B-9C53-3B8B5C1E7A42}
AppName=PDM Desktop
AppVersion={#Version}
AppPublisher=PDM Desktop
DefaultDirName={autopf}\PDM Desktop
DefaultGroupName=PDM Desktop
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
Compression=lzma2/max
SolidCompression=yes
OutputDir={#Root}\build\dist
OutputBaseFilename=pdm-desktop-{#Version}-windows-x86_64-setup
SetupIconFile={#Root}\build\.work\icon.ico
UninstallDisplayIcon={app}\pdm-desktop-window.exe
WizardStyle=modern

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[InstallDelete]
; An update brings all of this anew; files of the version before must not stay among it.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\build\dist\pdm-desktop\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\PDM Desktop"; Filename: "{app}\pdm-desktop-window.exe"
Name: "{autodesktop}\PDM Desktop"; Filename: "{app}\pdm-desktop-window.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\pdm-desktop-window.exe"; Description: "{cm:LaunchProgram,PDM Desktop}"; Flags: nowait postinstall skipifsilent
