"""What plants call their columns, in several languages, and the roles these names mean."""

from __future__ import annotations

import unicodedata

from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.schema import ALIASES

_NAMES: dict[str, str] = {
    "timestamp": """
        datetime timestamp ts time dateandtime datetimeutc timestamputc timeutc utc localtime epoch epochms epochtime
        unixtime unixtimestamp sampletime recordtime eventtime eventdate measuredat occurredat loggedat logtime
        samplingtime starttime begin start timestring
        zeitstempel zeitpunkt datumzeit datumuhrzeit datumundzeit messzeit messzeitpunkt aufnahmezeit zeitmarke
        ereigniszeit
        horodatage horodate horodateur dateheure dateetheure datemesure instant
        fechahora fechayhora marcadetiempo marcatemporal selladodetiempo estampadetiempo
        dataora dataeora timbrotemporale marcaturatemporale orario istante
        datumtijd datumentijd tijdstip tijdstempel meettijd
        datahora dataehora carimbodetempo tidpunkt tidsstampel tidsstempel datumtid dataczas znacznikczasu czaspomiaru
        cas datumacas aikaleima zamandamgasi
        时间 日期时间 时间戳 采样时间 采集时间 记录时间 датаивремя времяидата меткавремени 日時 タイムスタンプ""",
    "date": "date datum fecha data dato datemesure messdatum tarih paivays day jour dia giorno 日期 日付 дата",
    "time": "time uhrzeit zeit heure hora ora tijd tid czas godzina saat kello timeofday clock 时刻 時刻 время",
    "machine": """
        machine machineid machineno machinenr machinenumber machinename machinecode mach equipment equipmentid
        equipmentno equipmentname host hostname asset assetid assetno assetname device deviceid devicename
        unitid unitno unitnumber unitname
        pumpid motorid turbineid turbine pump motor engine engineid compressor compressorid fan fanid line lineid
        maschine maschinenid maschinenr maschinennr maschinennummer maschinenname anlage anlagenid anlagennr
        anlagennummer         aggregat geraet gerat geraetid equipmentnummer anlagenteil
        machineidentifiant idmachine nummachine nmachine numeromachine nommachine equipement appareil codemachine
        maquina idmaquina nmaquina numeromaquina nombremaquina codigomaquina equipo idequipo activo maquinaid
        macchina idmacchina nmacchina numeromacchina nomemacchina codicemacchina macchinario impianto apparecchiatura
        machinenaam installatie installatienummer apparaat toestel activum
        equipamento idequipamento maskin maskinid maszyna idmaszyny stroj strojid kone makine
        设备 设备编号 设备名称 设备号 机器 机器编号 机组 机号 設備 設備番号 агрегат оборудование машина станок""",
    "error": """
        error errorid errorcode errorno code alarm alarmid alarmcode faultcode fault faultid eventcode
        fehler fehlerid fehlercode fehlernummer fehlernr stoerung storung stoerungscode storungscode meldung
        meldungscode
        erreur iderreur codeerreur codedefaut codealarme alarme
        iderror codigoerror codigodeerror codigoalarma alarma
        errore iderrore codiceerrore codicedierrore allarme codiceallarme
        fout foutid foutcode foutmelding storingscode alarmcodering erro codigoerro fel felkod blad kodbledu
        报警 报警代码 故障代码 错误代码 ошибка кодошибки авария""",
    "component": """
        comp component componentid part partname partreplaced replacedpart sparepart module
        komponente komponenteid bauteil baugruppe ersatzteil teil ausgetauschtesteil
        composant idcomposant piece piececemplacee pieceremplacee organe
        componente idcomponente pieza pezzo ricambio onderdeel componentid peca komponent czesc dil
        部件 零件 更换部件 деталь узел""",
    "failure": """
        failure failureid failurecomponent failedcomponent failedpart breakdown failuremode
        ausfall ausfallkomponente defekt panne defaillance fallo falla averia guasto avaria uitval storing haveri awaria
        porucha
        故障 失效 отказ поломка""",
    "machine_model": """
        model machinemodel machinetype make typ modell maschinentyp maschinenmodell baureihe modele typemachine modelo
        tipomaquina modello tipomacchina modeltype machinetypenaam""",
    "age": """
        agedays ageindays agemonths ageinmonths altertage alterintagen altermonate alterinmonaten agejours agemois
        age alter alterjahre alterinjahren ageyears agey machineage anciennete antiguedad edad eta leeftijd idade alder
        wiek""",
    "made": """
        installed installedon installdate installationdate dateinstalled commissioned commissioningdate commissionedon
        yearofmake yearbuilt built buildyear buildyear makeyear modelyear manufactured manufacturedate manufacturingdate
        yearofmanufacture inservice inservicesince baujahr inbetriebnahme inbetriebnahmedatum installiert
        installationsdatum herstelldatum anneefabrication anneedefabrication miseenservice datemiseenservice
        anofabricacion anodefabricacion puestaenservicio annodicostruzione annocostruzione messainservizio bouwjaar
        inbedrijfstelling rokprodukcji rokvyroby 投产日期 安装日期 制造年份 годвыпуска""",
    "place": """
        station standort ort location loc site node plc meter gateway halle aggregatnr aggregatnummer pumpennr
        pumpennummer pumpe kostenstelle teilnehmer where place area bereich lieu emplacement poste noeud lugar
        ubicacion sitio estacion nodo luogo sito stazione locatie plaats stanowisko misto sted plats
        站 站点 位置 место станция узел""",
    "state": """
        state alarmstate stateafter eventstate conditionstate alarmstatus eventtype alarmevent transition action
        zustand meldezustand alarmzustand meldestatus etat etatalarme estado estadoalarma stato
        statoallarme toestand""",
    "known": "known knownat recordedat reportedat erfasstam gemeldetam saisile registradoel",
    "tag": """
        varname field fieldname
        tag tagname tagid tagno signal signalname signalid point pointname pointid variable variablename messstelle
        messpunkt messgroesse messgrosse kanal channel channelname parameter parametername metric metricname measurement
        measurementname sensor sensorname sensorid item itemname series name datapoint
        etiquette nomtag grandeur mesure point voie etiqueta senal medida magnitud segnale variabile grandezza misura
        meetpunt signaal variabele grootheid kanaal sinal variavel
        标签 测点 测点名称 变量 тег параметр""",
    "value": """
        varvalue
        value val values reading measuredvalue wert messwert istwert valeur valeurmesuree valor medicion valore waarde
        meetwaarde varde wartosc hodnota deger arvo result numericvalue
        值 数值 测量值 значение""",
    "quality": """
        isgood isvalid validflag goodflag valid validity confidence confidencelevel dataquality signalquality
        valuequality qualitydetail wwquality wwqualitydetail badquality bad isbad invalid questionable substituted
        gultigkeit gultig gueltig konfidenz vertrauen datenqualitat messwertstatus validite confiance validez confianza
        validita validade geldigheid geldig
        quality qualityflag qualitycode opcquality qual qualitaet qualitat guete gute qualite calidad qualita kwaliteit
        qualidade kvalitet jakosc kvalita status statuscode badflag state valuestatus
        质量 质量码 качество""",
    "unit": """
        unit units uom engunit engunits engineeringunit engineeringunits eu unitofmeasure unitofmeasurement
        measurementunit valueunit unitsymbol
        einheit einheiten masseinheit maszeinheit messeinheit unite unites unitemesure unitedemesure
        unidad unidades unidadmedida unidaddemedida unita unitadimisura unitamisura um eenheid eenheden meeteenheid
        unidade unidadedemedida enhet enheter jednostka jednotka jednotky mertekegyseg birim birimi yksikko enhed
        单位 計量単位 单位名称 単位 единица единицы единицаизмерения единицыизмерения едизм ед""",
}  # fmt: skip
_MACHINE_STEMS = ("machine", "maschine", "maquina", "macchina", "maskin", "equipment", "equipement", "anlagen")
_MACHINE_ENDS = ("id", "no", "nr", "nummer", "number", "name", "naam", "code", "nom", "tag", "key", "kennung", "numero")
_CODES = ("alarm", "fehler", "fault", "error", "erreur", "defaut", "storung", "stoerung", "meldung", "fout", "errore")
_NUMBERED = ("code", "codigo", "codice", "kod", "id", "no", "nr", "nummer", "number", "numero", "num")
_COMPONENTS = (
    "onderdeel", "bauteil", "komponent", "component", "composant", "ersatzteil", "ricambio", "repuesto", "recambio",
    "sparepart", "replacedpart", "partreplaced", "baugruppe", "organe",
)  # fmt: skip
_ROLES: dict[str, set[str]] = {}


def plain(name: str) -> str:
    """A header without unit, accents, spaces and punctuation, in lower case."""
    bare = unicodedata.normalize("NFKD", split_unit(name)[0].casefold().replace("ß", "ss"))
    return "".join(char for char in bare if char.isalnum())


for _role, _names in _NAMES.items():
    for _name in _names.split():
        _ROLES.setdefault(plain(_name), set()).add(_role)


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
    if not found and any(word in bare for word in _CODES) and (bare.startswith(_NUMBERED) or bare.endswith(_NUMBERED)):
        found = {"error"}
    if not found and any(word in bare for word in _COMPONENTS):
        found = {"component"}
    return found | {own} if own else found
