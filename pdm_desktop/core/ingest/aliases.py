"""What plants call their columns, in several languages, and the roles these names mean."""

from __future__ import annotations

import unicodedata

from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.schema import ALIASES

_NAMES: dict[str, str] = {
    "timestamp": """
        datetime timestamp ts time dateandtime datetimeutc timestamputc timeutc utc localtime epoch epochms epochtime
        unixtime unixtimestamp sampletime recordtime eventtime eventdate measuredat occurredat loggedat logtime
        samplingtime starttime begin start
        zeitstempel zeitpunkt datumzeit datumuhrzeit datumundzeit messzeit messzeitpunkt aufnahmezeit zeitmarke
        ereigniszeit
        horodatage horodate horodateur dateheure dateetheure datemesure instant
        fechahora fechayhora marcadetiempo marcatemporal selladodetiempo estampadetiempo
        dataora dataeora timbrotemporale marcaturatemporale orario istante
        datumtijd datumentijd tijdstip tijdstempel meettijd
        datahora dataehora carimbodetempo tidpunkt tidsstampel tidsstempel datumtid dataczas znacznikczasu czaspomiaru
        cas datumacas aikaleima zamandamgasi""",
    "date": "date datum fecha data dato datemesure messdatum tarih paivays day jour dia giorno",
    "time": "time uhrzeit zeit heure hora ora tijd tid czas godzina saat kello timeofday clock",
    "machine": """
        machine machineid machineno machinenr machinenumber machinename machinecode mach equipment equipmentid
        equipmentno equipmentname asset assetid assetno assetname device deviceid devicename
        unitid unitno unitnumber unitname
        pumpid motorid turbineid turbine pump motor engine engineid compressor compressorid fan fanid line lineid
        maschine maschinenid maschinenr maschinennr maschinennummer maschinenname anlage anlagenid anlagennr
        anlagennummer         aggregat geraet gerat geraetid equipmentnummer anlagenteil
        machineidentifiant idmachine nummachine nmachine numeromachine nommachine equipement appareil codemachine
        maquina idmaquina nmaquina numeromaquina nombremaquina codigomaquina equipo idequipo activo maquinaid
        macchina idmacchina nmacchina numeromacchina nomemacchina codicemacchina macchinario impianto apparecchiatura
        machinenaam installatie installatienummer apparaat toestel activum
        equipamento idequipamento maskin maskinid maszyna idmaszyny stroj strojid kone makine""",
    "error": """
        error errorid errorcode errorno code alarm alarmid alarmcode faultcode fault faultid eventcode
        fehler fehlerid fehlercode fehlernummer fehlernr stoerung storung stoerungscode storungscode meldung
        meldungscode
        erreur iderreur codeerreur codedefaut codealarme alarme
        iderror codigoerror codigodeerror codigoalarma alarma
        errore iderrore codiceerrore codicedierrore allarme codiceallarme
        fout foutid foutcode foutmelding storingscode alarmcodering erro codigoerro fel felkod blad kodbledu""",
    "component": """
        comp component componentid part partname partreplaced replacedpart sparepart module
        komponente komponenteid bauteil baugruppe ersatzteil teil ausgetauschtesteil
        composant idcomposant piece piececemplacee pieceremplacee organe
        componente idcomponente pieza pezzo ricambio onderdeel componentid peca komponent czesc dil""",
    "failure": """
        failure failureid failurecomponent failedcomponent failedpart breakdown failuremode
        ausfall ausfallkomponente defekt panne defaillance fallo falla averia guasto avaria uitval storing haveri awaria
        porucha""",
    "machine_model": """
        model machinemodel machinetype make typ modell maschinentyp maschinenmodell baureihe modele typemachine modelo
        tipomaquina modello tipomacchina modeltype machinetypenaam""",
    "age": "age alter alterjahre alterinjahren ageyears agey machineage anciennete edad eta leeftijd idade alder wiek",
    "known": "known knownat recordedat reportedat erfasstam gemeldetam saisile registradoel",
    "tag": """
        tag tagname tagid tagno signal signalname signalid point pointname pointid variable variablename messstelle
        messpunkt messgroesse messgrosse kanal channel channelname parameter parametername metric metricname measurement
        measurementname sensor sensorname sensorid item itemname series name datapoint
        etiquette nomtag grandeur mesure point voie etiqueta senal medida magnitud segnale variabile grandezza misura
        meetpunt signaal variabele grootheid kanaal sinal variavel""",
    "value": """
        value val values reading measuredvalue wert messwert istwert valeur valeurmesuree valor medicion valore waarde
        meetwaarde varde wartosc hodnota deger arvo result numericvalue""",
    "quality": """
        quality qualityflag qualitycode opcquality qual qualitaet qualitat guete gute qualite calidad qualita kwaliteit
        qualidade kvalitet jakosc kvalita status statuscode badflag state valuestatus""",
}  # fmt: skip
_MACHINE_STEMS = ("machine", "maschine", "maquina", "macchina", "maskin", "equipment", "equipement", "anlagen")
_MACHINE_ENDS = ("id", "no", "nr", "nummer", "number", "name", "naam", "code", "nom", "tag", "key", "kennung", "numero")
_ROLES: dict[str, set[str]] = {}
for _role, _names in _NAMES.items():
    for _name in _names.split():
        _ROLES.setdefault(_name, set()).add(_role)


def plain(name: str) -> str:
    """A header without unit, accents, spaces and punctuation, in lower case."""
    bare = unicodedata.normalize("NFKD", split_unit(name)[0].casefold().replace("ß", "ss"))
    return "".join(char for char in bare if char.isalnum())


def canonical(name: str) -> str:
    """The role of a header in the program's own files; "" for any other name."""
    return ALIASES.get(name.strip().casefold().replace(" ", "_"), "")


def roles(name: str) -> set[str]:
    """Every role that plants give a column of that name; the content decides between them."""
    own = canonical(name)
    bare = plain(name)
    found = set(_ROLES.get(bare, set()))
    if not found and bare.startswith(_MACHINE_STEMS) and bare.endswith(_MACHINE_ENDS):
        found = {"machine"}
    return found | {own} if own else found
