# Records the meta-information that the extension's description file is made of; all are mandatory.
foreach(field HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if(NOT EXTENSION_${field})
    message(FATAL_ERROR "EXTENSION_${field} is not set")
  endif()
  _record(extension ${field} ${EXTENSION_${field}})
endforeach()
