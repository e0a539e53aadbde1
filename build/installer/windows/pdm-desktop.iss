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
ChangesAssociations=yes

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: modelfiles; Description: "{cm:AssocFileExtension,PDM Desktop,.pdmmodel}"

[InstallDelete]
; An update brings all of this anew; files of the version before must not stay among it.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\build\dist\pdm-desktop\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Registry]
; HKA is the user's own hive, or the machine's when installed for all. Opening a file only offers to import it.
Root: HKA; Subkey: "Software\Classes\.pdmmodel"; ValueType: string; ValueName: ""; ValueData: "PDMDesktop.Model"; Flags: uninsdeletevalue uninsdeletekeyifempty; Tasks: modelfiles
Root: HKA; Subkey: "Software\Classes\PDMDesktop.Model"; ValueType: string; ValueName: ""; ValueData: "PDM Desktop model version"; Flags: uninsdeletekey; Tasks: modelfiles
Root: HKA; Subkey: "Software\Classes\PDMDesktop.Model\DefaultIcon"; ValueType: string; ValueName: ""; ValueData: "{app}\pdm-desktop-window.exe,0"; Tasks: modelfiles
Root: HKA; Subkey: "Software\Classes\PDMDesktop.Model\shell\open\command"; ValueType: string; ValueName: ""; ValueData: """{app}\pdm-desktop-window.exe"" open ""%1"""; Tasks: modelfiles

[Icons]
Name: "{autoprograms}\PDM Desktop"; Filename: "{app}\pdm-desktop-window.exe"
Name: "{autodesktop}\PDM Desktop"; Filename: "{app}\pdm-desktop-window.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\pdm-desktop-window.exe"; Description: "{cm:LaunchProgram,PDM Desktop}"; Flags: nowait postinstall skipifsilent
